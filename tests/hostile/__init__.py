"""A corpus of hostile addresses, answers and files, each with the outcome it must have in the whole pipeline."""

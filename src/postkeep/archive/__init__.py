"""The second home of media: named objects in a store, and what proves that they are equal to ours."""

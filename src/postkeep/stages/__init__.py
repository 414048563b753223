"""The stages: each a pure plan and a thin run, handed everything it uses."""

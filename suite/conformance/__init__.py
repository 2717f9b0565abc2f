"""What every variant must do, as tests that run on anybody's variant files:

    pytest --pyargs aebench.conformance --variants my_variants.py

Without `--variants` they run on all variants of `aebench.models`. A variant is found by its declaration and held to the
contract of `aebench.models.base` without a test of its own; what its objective should be, only its own tests know.
"""

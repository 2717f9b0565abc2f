"""What every variant must do, as tests that run on anybody's variant files:

    pytest --pyargs aebench.conformance --variants my_variants.py

Without `--variants` they run on all variants of `aebench.models`. A variant is found by its declaration and needs no
test of its own to be held to the contract of `aebench.models.base`; what its objective should be, only its own tests know.
"""

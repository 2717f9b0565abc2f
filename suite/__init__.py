"""The harness of aebench: data, studies, training, measures, records and the report."""

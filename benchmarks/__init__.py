"""What must stay fast: ``make bench``, or ``python -m benchmarks oncall registry`` for some."""

"""Recording rules: what panels and alerts read instead of raw series, one module for each subject."""

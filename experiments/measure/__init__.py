"""What is measured and how: counters of interfaces, rates, gaps."""

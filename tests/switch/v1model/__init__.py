"""v1model's externs and metadata, one file each."""

"""What a person reads: documents, their sections and their pictures."""

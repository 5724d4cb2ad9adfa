"""What the project promises outside its code: documents, deployment files."""

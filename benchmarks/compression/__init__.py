"""What the standard library's compressors save, and how long they take."""

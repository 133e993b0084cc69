"""Read the codes in a photo, a picture or a PDF: in a process of its own, because such files come from anywhere."""

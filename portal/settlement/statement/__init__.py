"""A sealed day on paper: what it says (`paper`), how it is asked for (`printing`), how it is drawn (`child`, `pdf`)."""

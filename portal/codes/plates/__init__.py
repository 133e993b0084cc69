"""Printed code plates: a face (what a plate says) becomes a PDF or a picture, proofed before it leaves."""

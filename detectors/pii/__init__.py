"""Personal data: found by form and by what was learned, replaced by placeholders."""

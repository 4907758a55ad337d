"""Importers of faces: one file per shape in which FER-2013 reaches people."""

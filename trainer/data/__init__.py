"""Data sets as the trainer reads them: prepared by scanside.scan, split once and for all."""

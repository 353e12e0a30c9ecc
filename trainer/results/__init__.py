"""Figures of finished runs: tables of arms, patients, clinical facts."""

"""Engines: each turns a Lowered model into something that runs."""

"""A network file made ready for one machine: calibrated, quantised, built into an engine, timed."""

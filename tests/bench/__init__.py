"""How fast the suite is, as figures and ratios of one run."""

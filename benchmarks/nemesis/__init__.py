"""A campaign that somebody does everything to, and a checker that proves that nothing was lost."""

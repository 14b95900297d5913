"""Monte Carlo dropout: masks, sampler, members and cases."""

"""Monte Carlo (MC) dropout: masks, sampler, members and case studies."""

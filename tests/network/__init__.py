"""NetworkPolicies, judged without the code that made them."""

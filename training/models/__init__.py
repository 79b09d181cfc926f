"""Networks: a shared backbone and heads for any number of dense tasks."""

"""The paper's toy example: two functions of one number, learnt from uneven labels."""

"""How fast small stores take writes, and what durability costs them."""

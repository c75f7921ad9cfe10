"""How an operator looks at a frozen group and brings it back."""

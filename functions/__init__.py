"""What runs in Lambda: the folder list is the product's vocabulary."""

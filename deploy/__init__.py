"""What runs the product: the supervisor behind `./dev run` and the embedded PostgreSQL. The portal never imports it."""

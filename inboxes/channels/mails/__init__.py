"""What e-mail is made of: letters and their threads, bounces, quotes, and the providers that carry them."""

"""What Tante consists of in AWS: one file per noun, put together in `stack`."""

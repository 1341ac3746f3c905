"""Rules of the cloud, checked on the synthesised templates."""

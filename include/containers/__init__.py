"""make up: the platform in containers; and what runs in each container beside the program itself."""

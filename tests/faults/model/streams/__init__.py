"""Records of a stream: how far they have been accepted, and how they are added up."""

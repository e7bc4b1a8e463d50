"""The live page as HTML: words and markup alone, made of what the application read."""

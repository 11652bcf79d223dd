"""Readers of chats and posts: who said what, and when."""

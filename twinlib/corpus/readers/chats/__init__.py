"""Readers of chats and posts, which yield Conversations."""

"""The real template, deployed by the real CDK into MiniStack, used as shops and people use it."""

"""Text made from views; decides nothing."""

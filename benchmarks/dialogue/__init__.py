"""What a memory of dialogues costs and finds again: three stores over a growing history."""

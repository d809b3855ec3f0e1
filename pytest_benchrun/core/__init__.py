"""The pure floor: model, events, fold, rules, plan, views. No clock, file, thread, process, network or pytest."""

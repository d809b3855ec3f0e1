"""pytest hooks: pytester in process, one file per option."""

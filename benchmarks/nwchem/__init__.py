"""NMR shieldings of small molecules, computed by the external program NWChem."""

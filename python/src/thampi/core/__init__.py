"""The import paths of 2018; every old pickle names `thampi.core.model`."""

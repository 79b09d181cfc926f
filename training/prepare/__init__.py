"""Official files of public data sets into data set folders."""

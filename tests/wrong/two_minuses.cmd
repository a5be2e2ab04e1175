gradcli eval "--x" x=1

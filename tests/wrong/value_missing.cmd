gradcli eval "x*y" x=1

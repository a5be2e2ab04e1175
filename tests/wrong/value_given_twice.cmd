gradcli eval "x*y" x=1 y=2 x=3

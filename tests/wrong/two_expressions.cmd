gradcli eval x*2 y*2 x=1 y=2

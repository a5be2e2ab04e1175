gradcli check "x*2" x=1 --claim x=2 --claim x=3 --isolated

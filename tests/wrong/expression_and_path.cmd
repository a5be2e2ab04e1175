gradcli check "x*2" x=1 empty.grad --isolated

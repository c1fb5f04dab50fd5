from thampi.runtime.sandbox import main

main()
